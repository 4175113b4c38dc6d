"""Whether what ships is what is compiled. Needs the product KernelTexts."""

import itertools
import re
import unittest

from kernel_report import catalogue
from kernel_report.targets import TARGETS

from .samples import needs_writer

KERNELS = catalogue.ROOT / "Kernels"


def line(table, vendor):
    """What a file of Kernels/tuning says for a vendor's devices, read anew: the engine's own reader is not asked."""
    rows = [row.split() for row in (KERNELS / "tuning" / f"{table}.txt").read_text().splitlines() if not row.startswith("#")]
    classes = {row[0]: row[1:] for row in rows}
    return next(classes[word] for word in re.findall(r"\w+", vendor.lower()) if word in classes)


def kernels_of_files():
    """The kernels of Kernels/*.cl but those for processors."""
    texts = [path.read_text() for path in KERNELS.glob("*.cl") if not path.stem.endswith("_cpu")]
    texts = [re.sub(r"^#if SOMA_CPU$.*?^#endif$", "", text, flags=re.MULTILINE | re.DOTALL) for text in texts]
    return {name for text in texts for name in re.findall(r"^kernel .*?\bvoid (\w+)\(", text, re.MULTILINE)}


@needs_writer
class Shipped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.programs = {target: catalogue.programs(target) for target in TARGETS.values()}

    def each(self, table, check):
        """Hands to a check: a target, what the table says for its vendor, its programs."""
        for target, programs in self.programs.items():
            with self.subTest(target=target.name):
                check(target, line(table, target.family.vendor), programs)

    def assertVariants(self, wanted, programs, function, **settings):
        """There are these variants of a kernel with these settings."""
        found = {
            program.variant for program in programs if program.entries[0].function == function
            and settings.items() <= program.settings.items()}
        self.assertEqual(set(wanted) - found, set(), settings)

    def test_every_tile_of_products(self):
        def check(_, tiles, programs):
            for a, b in itertools.product("01", repeat=2):
                self.assertVariants(tiles[1:], programs, "soma_matmul", A_TRANSPOSED=a, B_TRANSPOSED=b)
            self.assertVariants(tiles[2:], programs, "soma_matmul", SEGMENTS="1")

        self.each("matmul", check)

    def test_every_tile_of_convolutions(self):
        def check(_, tiles, programs):
            passes = [{"PHASES": "0", "ALONG_DEPTH": "0"}, {"PHASES": "1"}, {"ALONG_DEPTH": "1"}]
            for settings in [*passes, {"A_WIDTH": "1"}, {"A_WIDTH": "4"}]:
                self.assertVariants(tiles[1:], programs, "soma_convolution", **settings)
            self.assertVariants(tiles[2:], programs, "soma_convolution", SEGMENTS="1")

        self.each("convolution", check)

    def test_every_way_to_share_sums(self):
        def check(target, numbers, programs):
            group, across = min(int(numbers[1]), target.family.group_size), int(numbers[2])
            along = {f"{lanes}x{max(1, group // lanes)}" for lanes in map(int, numbers[3].split(",")) if lanes <= group}
            self.assertVariants(along, programs, "soma_reduce", ACROSS="0")
            self.assertVariants(along, programs, "soma_row")
            self.assertVariants([f"{max(group // across, 1)}x{across}"], programs, "soma_reduce", ACROSS="1")
            self.assertEqual({program.settings["HOLD"] for program in programs if "HOLD" in program.settings}, {"1", "2", "4", "8"})

        self.each("reduce", check)

    def test_shares_of_maps(self):
        def check(target, numbers, programs):
            maps = [program for program in programs if program.entries[0].function == "soma_map"]
            sizes = {entry.group_size for program in maps for entry in program.entries}
            self.assertEqual(sizes, {min(int(numbers[0]), target.family.group_size)})
            self.assertEqual({program.settings.get("SHARE", "1") for program in maps}, {numbers[1]})

        self.each("map", check)

    def test_every_kernel(self):
        names = kernels_of_files()
        self.assertIn("soma_peak_nothing", names)
        for target, programs in self.programs.items():
            with self.subTest(target=target.name):
                self.assertEqual(names - {entry.function for program in programs for entry in program.entries}, set())

    def test_every_pooling(self):
        for _, programs in self.programs.items():
            made = {(program.settings["IS_MAX"], program.settings["IS_GRADIENT"]) for program in programs if "IS_MAX" in program.settings}
            self.assertEqual(made, {("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")})

    def test_names_are_given_once(self):
        for programs in self.programs.values():
            names = [entry.name for program in programs for entry in program.entries]
            self.assertEqual(len(names), len(set(names)))

    def test_drivers_call_amd_by_two_names(self):
        for table in ("matmul", "convolution", "reduce", "map"):
            self.assertEqual(line(table, "AMD"), line(table, "Advanced Micro Devices, Inc."), table)


class Listing(unittest.TestCase):
    LISTING = "0\tmap-a\tsoma_map\t256\t-w\n1\tgather\tsoma_gather\t128\t-cl-nv-maxrregcount=128 -w\n1\tlink\tsoma_link\t64\t-cl-nv-maxrregcount=128 -w\n"

    def test_kernels_of_one_program_stay_together(self):
        first, second = catalogue.parsed(self.LISTING, "text of {}".format)
        self.assertEqual((first.text, second.text), ("text of 0", "text of 1"))
        self.assertEqual([entry.group_size for entry in second.entries], [128, 64])
        self.assertEqual(second.clang_options, ["-w"])

    def test_choosing_by_name(self):
        found = catalogue.parsed(self.LISTING, str)
        self.assertEqual(catalogue.chosen(found, []), found)
        self.assertEqual([[entry.name for entry in program.entries] for program in catalogue.chosen(found, ["li", "map"])], [["map-a"], ["link"]])
        with self.assertRaisesRegex(catalogue.Unknown, "begins with maps; there are gather, link, map$"):
            catalogue.chosen(found, ["map", "maps"])
        with self.assertRaisesRegex(catalogue.Unknown, "begins with map-b; there are map-a$"):
            catalogue.chosen(found, ["map-b"])

    def test_settings_precede_the_files(self):
        program = catalogue.Program("#define TILE_M 64\n#define SOMA_WIDE 0\n// A file.\n#define TILE_M 128\n", "", ())
        self.assertEqual(program.settings, {"TILE_M": "64", "SOMA_WIDE": "0"})
