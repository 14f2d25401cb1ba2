"""The organization of the test: its delegated administrator is the account of the stack."""

ID = "o-exampleorg1"
MANAGEMENT = "999900000000"
ACCOUNTS = [f"4444{number:08}" for number in range(200)]
SUSPENDED, REFUSING, WITH_A_KEY = set(ACCOUNTS[3:5]), set(ACCOUNTS[10:16]), {ACCOUNTS[20]}
