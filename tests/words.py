"""Fails on a word that no text for people may contain: documents, the template, the Makefile, accepted messages, and string literals.

usage: words.py        from the project's top; tests/words.txt has the words
"""

import re
import subprocess
import sys
from pathlib import Path

# Changelog and glossary name what they replace, and so does a stored history; schemas are made of the code's documentation; scenarios quote others.
LEFT_OUT = re.compile(r"^(CHANGELOG\.md|docs/glossary\.md|docs/.*\.json|functions/reporter/src/history/snapshots/.*|tests/words\.(txt|py)|LICENSE.*)$")
TEXTS = re.compile(r"(\.md|\.snap|/story\.json|^template\.yaml|^Makefile|\.toml|^tests/package/(rootwatch|doctor))$")
CODE = re.compile(r"^(functions|shared|tests/sandbox)/.*\.rs$")
TESTS = re.compile(r"/(tests|benches|testing)(/|\.rs$)|_test\.py$")
# A comment, a character, a raw string, a string.
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|b?'(?:\\.[^']*|[^\\'])'|b?r(#*)\".*?\"\1|b?\"(?:\\.|[^\"\\])*\"", re.DOTALL)


def words(path):
    """Each expression with its replacement."""
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return [(re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in (line.split("\t") for line in lines)]


def literals(code):
    """String literals of Rust outside of tests, each with its line; a line that ends with a backslash goes on."""
    code = re.split(r"^#\[cfg\(test\)\]\n(?:pub\S* )?mod \w+ \{", code, maxsplit=1, flags=re.MULTILINE)[0]
    for token in TOKEN.finditer(code):
        text = token[0]
        if '"' in text[:4] and not text.startswith(("//", "/*", "'")):
            text = re.sub(r"\\\n\s*", "", text)
            # A name of a field is not prose.
            yield from [(code.count("\n", 0, token.start()) + 1, text)] if " " in text else []


def texts(path):
    content = path.read_text(errors="replace")
    if path.suffix == ".rs":
        return literals(content)
    lines = enumerate(content.splitlines(), 1)
    if path.suffix == ".md":
        # Code is not prose.
        return [(line, re.sub(r"`[^`]*`", "``", text)) for line, text in lines]
    if path.suffix == ".snap":
        # The head names the test's code.
        heads = 0
        return [(line, text) for line, text in lines if (heads := heads + (text == "---")) > 1]
    return lines


def main():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, check=True, text=True).stdout.splitlines()
    chosen = [name for name in listed if (TEXTS.search(name) or CODE.search(name)) and not LEFT_OUT.search(name)]
    chosen = [Path(name) for name in chosen if not (name.endswith(".rs") and TESTS.search(name)) and Path(name).exists()]
    assert len(chosen) > 100, f"{len(chosen)} files: is this the project's top?"
    found = 0
    for path in chosen:
        for line, text in texts(path):
            for pattern, instead in WORDS:
                for word in pattern.finditer(text):
                    found += 1
                    print(f"{path}:{line}: `{word[0]}`: use {instead}")
    print(f"{len(chosen)} files, {found} words to replace" if found else f"{len(chosen)} files: no word to replace")
    return found > 0


WORDS = words(Path("tests/words.txt"))
if __name__ == "__main__":
    sys.exit(main())
