"""How kernels are shown and kept."""

import json
import pathlib
import tempfile
import unittest

from kernel_report import cache, catalogue, report

from .samples import kernel


class Report(unittest.TestCase):
    def test_names_are_sorted_numbers_by_size(self):
        names = ["row-128", "row-16", "map", "row-odd"]
        self.assertEqual([one.name for one in report.in_order(map(kernel, names))], ["map", "row-16", "row-128", "row-odd"])

    def test_columns_are_aligned(self):
        lines = report.table([kernel("a", spilled=1024, global_loads={}), kernel("a-long-name")]).splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[1].startswith("a            128x128x8/8x8        128   1024 B"))
        self.assertTrue(lines[2].startswith("a-long-name  128x128x8/8x8        128        –"))
        self.assertEqual(lines[1].index("16×128"), lines[2].index("16×128"))

    def test_json_and_back(self):
        one = kernel("map", global_loads={128: 2, 32: 1})
        written = json.loads(json.dumps(one.as_json()))
        self.assertEqual((written["loop"]["fma_share"], written["loop"]["work_share"]), (0.9, 0.9))
        self.assertEqual(report.Kernel.from_json(written), one)

    def test_packed_instructions_count_once_as_issued_and_twice_as_work(self):
        one = kernel("map", fma=80, packed=80)
        self.assertEqual((one.as_json()["loop"]["fma_share"], one.as_json()["loop"]["work_share"]), (0.8, 0.8889))
        self.assertRegex(report.table([one]), r" 100  80%   89%  ")


class Cache(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "soma" / "results.json"

    def test_keeps_results_from_run_to_run(self):
        first = cache.Cache(self.file)
        first.put("key", [kernel("map")])
        first.save()
        self.assertEqual(cache.Cache(self.file).get("key"), [kernel("map")])
        self.assertIsNone(cache.Cache(self.file).get("another"))
        self.assertEqual([path.name for path in self.file.parent.iterdir()], ["results.json"])

    def test_forgets_what_was_not_asked_for_longest(self):
        full = cache.Cache(self.file)
        for number in range(cache.MOST + 1):
            full.put(str(number), [])
        full.put("0", [])
        full.save()
        kept = cache.Cache(self.file).results
        self.assertEqual((len(kept), "0" in kept, "1" in kept), (cache.MOST, True, False))

    def test_passes_over_damage(self):
        self.file.parent.mkdir()
        for damage in ("", "{", "[]", '{"key": 1}', '{"key": [{"name": "map"}]}', '{"key": [null]}'):
            self.file.write_text(damage)
            self.assertEqual(cache.Cache(self.file).results, {}, damage)

    def test_nowhere_to_write(self):
        self.file.parent.write_text("a file where a folder should be")
        cache.Cache(self.file).save()
        self.assertEqual(cache.Cache(self.file).results, {})

    def test_another_text_or_target_is_another_key(self):
        program = catalogue.Program("text", "", (catalogue.Entry("map", "soma_map", 256),))
        others = [catalogue.Program("texts", "", program.entries), catalogue.Program("text", "-w", program.entries)]
        keys = {cache.key(one, "sm_80", [__file__]) for one in [program, *others]} | {cache.key(program, "sm_90", [__file__])}
        self.assertEqual(len(keys), 4)
        self.assertIn(cache.key(program, "sm_80", [__file__]), keys)
