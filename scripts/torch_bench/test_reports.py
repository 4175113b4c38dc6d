"""Whether rounds are put together and told rightly: python3 -m unittest discover -s scripts"""

import json
import pathlib
import unittest

from torch_bench import reports


def row(name, samples, batch=None, better="higher", amount=2.0, **more):
    return {
        "workload": name, "batch": batch, "metric": "m", "better": better, "amount": amount, "unit": "u", "device": "cpu", "precision": "float32",
        "samples_s": samples, "first_call_s": 9.0, "capped": False, "value": 1.0, **more,
    }


def report(*rows):
    return {
        "format": "soma bench 1", "environment": {"version": "0", "threads": 2, "load": 0.25, "date": "2030"}, "baseline": None, "rows": list(rows),
        "devices": [{"name": "cpu", "model": "a processor", "driver": "d", "compute_units": 2, "peaks": {"float32_fma": 1}}],
    }


def result(*samples):
    return {"version": "7.1", "threads": 4, "model": None, "first_call_s": 3.0, "capped": False, "samples_s": list(samples)}


class Rounds(unittest.TestCase):
    def test_samples_of_all_rounds_in_one_row_of_each_workload(self):
        whole = reports.merged([report(row("a", [1.0])), report(row("b", [5.0], batch=1)), report(row("a", [2.0])), report(row("b", [6.0], batch=32))])
        self.assertEqual([(one["workload"], one["batch"], one["samples_s"]) for one in whole["rows"]],
                         [("a", None, [1.0, 2.0]), ("b", 1, [5.0]), ("b", 32, [6.0])])

    def test_a_row_that_failed_stays_without_samples(self):
        failed = {"workload": "a", "batch": None, "metric": "m", "error": "does not fit"}
        self.assertEqual(reports.merged([report(failed), report(row("a", [1.0]))])["rows"], [failed])

    def test_counterpart_has_its_own_samples_and_name_and_none_of_our_figures(self):
        theirs = reports.counterpart(report(row("a", [1.0]), row("only ours", [1.0])), {("a", None, "m"): [result(4.0), result(3.0, 5.0)]})
        self.assertEqual([(one["workload"], one["samples_s"], one["first_call_s"]) for one in theirs["rows"]], [("a", [4.0, 3.0, 5.0], 3.0)])
        self.assertNotIn("value", theirs["rows"][0])
        self.assertEqual((theirs["environment"]["engine"], theirs["environment"]["version"], theirs["environment"]["threads"]), ("PyTorch", "7.1", 4))
        self.assertEqual((theirs["devices"][0]["model"], theirs["devices"][0]["peaks"]), ("a processor", {}))


class Page(unittest.TestCase):
    def test_the_documents_have_what_the_kept_files_tell(self):
        docs = pathlib.Path(__file__).resolve().parents[2] / "docs"
        ours, theirs = (json.loads((docs / "measurements/epyc-2-cores" / name).read_text()) for name in ("soma.json", "pytorch.json"))
        self.assertIn(reports.page(ours, theirs), (docs / "performance.md").read_text())


class Table(unittest.TestCase):
    def test_ratios_say_how_many_times_as_fast_ours_is_for_rates_and_times(self):
        ours = report(row("rate", [0.5, 1.0, 2.0]), row("time", [1.0], better="lower", amount=0.5), row("ours", [1.0]))
        theirs = report(row("rate", [1.0, 4.0, 4.0]), row("time", [3.0], better="lower", amount=0.5))
        self.assertEqual(reports.table(ours, theirs).splitlines()[2:], ["| rate | u | 4 | 2 | 2.00 | 4.00 |", "| time | u | 2 | 6 | 3.00 | 3.00 |"])

    def test_the_page_names_both_engines_with_their_threads(self):
        ours = report(row("a", [1.0]))
        theirs = reports.counterpart(ours, {("a", None, "m"): [result(4.0)]})
        self.assertEqual(reports.page(ours, theirs).splitlines()[0], "a processor: Soma 0 on 2 threads, PyTorch 7.1 on 4 threads; load 0.25; 2030")

    def test_batches_are_rows_of_their_own(self):
        ours, theirs = (report(row("a", [1.0], batch=1), row("a", [1.0], batch=32)) for _ in range(2))
        self.assertEqual([line.split(" | ")[0] for line in reports.table(ours, theirs).splitlines()[2:]], ["| a ×1", "| a ×32"])


if __name__ == "__main__":
    unittest.main()
