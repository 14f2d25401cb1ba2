"""The organization of the test: its delegated administrator is the account of the stack. `make e2e ROW=… ACCOUNTS=10000` by hand."""

import os

COUNT = int(os.environ.get("ACCOUNTS") or 200)
ID = "o-exampleorg1"
MANAGEMENT = "999900000000"
ACCOUNTS = [f"4444{number:08}" for number in range(COUNT)]
SUSPENDED, REFUSING, WITH_A_KEY = set(ACCOUNTS[3:5]), set(ACCOUNTS[10 : 10 + COUNT * 3 // 100]), {ACCOUNTS[-1]}
