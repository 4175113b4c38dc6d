"""Fills the pages of the catalogues in Sources/*/*.docc with links to symbols.

A line `<!-- sources: Layers/Layer, Layers -->` below a heading stands for what
is declared in these files and folders of the module, in this order; a file
that another line names itself is left to that one. So a page groups symbols by
subject and names none, and what is added to a folder appears in its group.
"""

import re
import urllib.parse

MARKER = re.compile(r"^<!-- sources: (.+) -->$", re.MULTILINE)
TITLE = re.compile(r"^# ``(.+)``$", re.MULTILINE)


class CatalogueError(Exception):
    """A page leaves a symbol out, or names a source that declares none."""


def source(symbol):
    """The file that declares a symbol, from the folder of its module on; None for what the compiler makes."""
    if "location" not in symbol:
        return None
    return urllib.parse.unquote(symbol["location"]["uri"]).partition("/Sources/")[2].partition("/")[2]


def matches(entry, file):
    return file in (entry, f"{entry}.swift") or file.startswith(f"{entry}/")


def owner(file, entries):
    """The entry that a file belongs to: the longest that names it or a folder above it."""
    return max((entry for entry in entries if matches(entry, file)), key=len, default=None)


def stable_hash(identifier):
    """By which DocC tells overloads apart: FNV-1 of 32 bits, folded to 24, in base 36."""
    value = 2166136261
    for byte in identifier.encode():
        value = (value * 16777619) % (1 << 32) ^ byte
    value = (value >> 24) ^ (value & 0xFFFFFF)
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def links(symbols, every):
    """A line for each symbol: a link below the page's own, with a hash where another symbol has the same path."""
    paths = [tuple(symbol["pathComponents"]) for symbol in every]
    lines = []
    for symbol in symbols:
        path = symbol["pathComponents"]
        suffix = f"-{stable_hash(symbol['identifier']['precise'])}" if paths.count(tuple(path)) > 1 else ""
        lines.append(f"- ``{path[-1]}{suffix}``")
    return "\n".join(dict.fromkeys(lines))


def filled(page, module, symbols):
    """A page of a module, its lines replaced by links to the symbols that belong to it."""
    title = TITLE.search(page)
    if not title:
        raise CatalogueError(f"a page of {module} does not begin with the symbol that it is of")
    parent = title[1].split("/")[1:]
    own = [one for one in symbols if one["pathComponents"][:-1] == parent and source(one)]
    entries = [entry.strip() for line in MARKER.findall(page) for entry in line.split(",")]
    groups = {entry: [] for entry in entries}
    for symbol in own:
        entry = owner(source(symbol), entries)
        if entry is None:
            raise CatalogueError(f"{source(symbol)} of {module} is in no group of the page {title[1]}")
        groups[entry].append(symbol)
    for entry in entries:
        if not any(matches(entry, source(symbol)) for symbol in own):
            raise CatalogueError(f"the page {title[1]} names {entry}, where nothing is declared that belongs on it")
    for members in groups.values():
        members.sort(key=lambda one: (source(one), one["location"]["position"]["line"]))
    return MARKER.sub(lambda line: links([one for entry in line[1].split(",") for one in groups[entry.strip()]], own), page)
