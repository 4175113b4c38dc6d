"""Which public declarations have no comment."""

import dataclasses
import json
import urllib.parse


@dataclasses.dataclass(frozen=True, order=True)
class Declaration:
    path: str
    line: int
    name: str
    kind: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.kind} {self.name}"


def is_documented(symbol):
    """Whether its comment begins with a sentence; what says of parameters and errors only shows as nothing in a list of declarations."""
    lines = [line["text"].strip() for line in symbol.get("docComment", {"lines": []})["lines"]]
    return not next(filter(None, lines), "- ").startswith("- ")


def is_written(symbol):
    """Whether it stands in a source; what the compiler makes by itself, such as `==` of a struct, has no location."""
    return "location" in symbol


def declaration(symbol, root):
    path = urllib.parse.unquote(urllib.parse.urlparse(symbol["location"]["uri"]).path)
    line, name = symbol["location"]["position"]["line"] + 1, ".".join(symbol["pathComponents"])
    return Declaration(path.removeprefix(f"{root}/"), line, name, symbol["kind"]["displayName"].lower())


def read(folder, names):
    """The symbols of each module, those among them that it adds to types of others."""
    return {
        name: [symbol for path in sorted([folder / f"{name}.symbols.json", *folder.glob(f"{name}@*.symbols.json")])
               for symbol in json.loads(path.read_text())["symbols"]]
        for name in names
    }


def undocumented(symbols, root):
    return sorted(declaration(symbol, root) for symbol in symbols if is_written(symbol) and not is_documented(symbol))
