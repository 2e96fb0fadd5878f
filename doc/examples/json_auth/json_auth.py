"""
The users in a JSON file, each with a hash: C{{"alice": "$2y$12$..."}}.
"""

import json

from mycred.checkers import PasswordChecker


class JSONChecker(PasswordChecker):
    authType = "json"
    inThread = True

    def __init__(self, path, workers=None):
        self.path, self.workers = path, workers

    def lookUp(self, username):
        with open(self.path, encoding="utf-8") as file:
            hashes = json.load(file)
        name = username.decode("utf-8", "surrogateescape")
        return (name, hashes[name]) if name in hashes else None
