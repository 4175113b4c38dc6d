"""Whether pages are filled rightly, and whether those of this package name what is there: python3 -m unittest discover -s scripts"""

import re
import unittest

from symbol_graphs import catalogue, extraction


def symbol(file, *path, line=0, precise="s:x"):
    return {
        "pathComponents": list(path), "identifier": {"precise": precise},
        "location": {"uri": f"file:///there/Sources/Soma/{file}", "position": {"line": line, "character": 0}},
    }


def filled(*lines, symbols, title="Soma"):
    page = "\n\n".join([f"# ``{title}``", *(f"### G\n\n<!-- sources: {line} -->" for line in lines)])
    return re.findall(r"^### G|``(.+)``$", catalogue.filled(page, "Soma", symbols), re.MULTILINE)[1:]


class Pages(unittest.TestCase):
    def test_symbols_stand_in_the_group_of_their_file_in_the_order_of_sources(self):
        symbols = [
            symbol("Layers/B.swift", "B2", line=9), symbol("Layers/B.swift", "B1", line=3), symbol("Layers/A.swift", "A"), symbol("L.swift", "L"),
        ]
        self.assertEqual(filled("Layers", "L", symbols=symbols), ["", "A", "B1", "B2", "", "L"])
        self.assertEqual(filled("L, Layers", symbols=symbols), ["", "L", "A", "B1", "B2"])

    def test_a_file_that_another_line_names_is_left_to_that_one(self):
        symbols = [symbol("Layers/A.swift", "A"), symbol("Layers/B.swift", "B")]
        self.assertEqual(filled("Layers", "Layers/A", symbols=symbols), ["", "B", "", "A"])

    def test_a_page_of_a_type_has_its_members_alone(self):
        paths = [("Tensor",), ("Tensor", "sum()"), ("Tensor", "Kind", "one"), ("Other", "x")]
        symbols = [symbol("A.swift", *path) for path in paths]
        self.assertEqual(filled("A", symbols=symbols, title="Soma/Tensor"), ["", "sum()"])

    def test_overloads_are_told_apart_by_a_hash(self):
        symbols = [symbol("A.swift", "f(_:)", precise="s:a"), symbol("A.swift", "f(_:)", precise="s:b"), symbol("A.swift", "g()")]
        found = filled("A", symbols=symbols)
        self.assertEqual(found[3], "g()")
        self.assertEqual(found[1:3], [f"f(_:)-{catalogue.stable_hash('s:a')}", f"f(_:)-{catalogue.stable_hash('s:b')}"])

    def test_a_symbol_in_no_group_is_refused(self):
        with self.assertRaisesRegex(catalogue.CatalogueError, "B.swift of Soma is in no group of the page Soma"):
            filled("A", symbols=[symbol("A.swift", "A"), symbol("B.swift", "B")])

    def test_a_source_that_declares_nothing_is_refused(self):
        with self.assertRaisesRegex(catalogue.CatalogueError, "the page Soma names C"):
            filled("A, C", symbols=[symbol("A.swift", "A")])


class Sources(unittest.TestCase):
    def test_pages_name_files_and_folders_that_are_there(self):
        pages = sorted((extraction.ROOT / "Sources").glob("*/*.docc/*.md"))
        self.assertGreaterEqual(len(pages), 5)
        for page in pages:
            module = page.parents[1]
            for entry in (entry.strip() for line in catalogue.MARKER.findall(page.read_text()) for entry in line.split(",")):
                self.assertTrue((module / entry).exists() or (module / f"{entry}.swift").exists(), f"{page.name}: {entry}")


if __name__ == "__main__":
    unittest.main()
