"""What is beyond the budget, and what is within."""

import unittest

from kernel_report import budget
from kernel_report.targets import TARGETS

from .samples import kernel


class Budget(unittest.TestCase):
    def faults(self, *arguments, **values):
        return budget.violations([kernel(*arguments, **values)])

    def test_nothing_is_spilled_anywhere(self):
        self.assertEqual(self.faults("gather", spilled=8), ["sm_80 gather: 8 bytes are spilled"])
        self.assertEqual(self.faults("gather", fma=0, global_loads={32: 1}, local_loads={}), [])

    def test_main_kernels_multiply(self):
        self.assertEqual(self.faults("matmul-large-nn", fma=84), ["sm_80 matmul-large-nn: 84.0% of the inner loop's instructions are FMA, less than 85%"])
        self.assertEqual(self.faults("matmul-large-nn", fma=85), [])
        self.assertEqual(self.faults("matmul-large-odd", fma=84), [])
        self.assertEqual(len(self.faults("convolution-large-stride-input", fma=84)), 1)

    def test_packed_multiply_adds_have_a_budget_of_their_own(self):
        self.assertEqual(self.faults("matmul-large-nn", fma=80, packed=80), [])
        self.assertEqual(
            self.faults("matmul-large-nn", fma=79, packed=79), ["sm_80 matmul-large-nn: 79.0% of the inner loop's instructions are FMA, less than 80%"])
        self.assertEqual(self.faults("convolution-large-filter", fma=76, packed=76), [])
        self.assertEqual(len(self.faults("convolution-large-filter", fma=75, packed=75)), 1)
        self.assertEqual(
            self.faults("matmul-large-nn", fma=80, packed=1), ["sm_80 matmul-large-nn: 80.2% of the inner loop's work are FMA, less than 85%"])

    def test_products_load_quads_alone(self):
        self.assertEqual(
            self.faults("matmul-large-tt", global_loads={128: 2, 32: 1}), ["sm_80 matmul-large-tt: global loads 2×128 1×32 instead of 128 bits each"])
        self.assertEqual(len(self.faults("matmul-large-tt", local_loads={64: 16})), 1)
        self.assertEqual(len(self.faults("matmul-large-tt", local_loads={})), 1)

    def test_convolutions_load_filters_in_quads_and_pixels_singly(self):
        self.assertEqual(self.faults("convolution-large-forward", global_loads={128: 1, 32: 4}), [])
        self.assertEqual(len(self.faults("convolution-large-forward", global_loads={32: 8})), 1)
        self.assertEqual(self.faults("convolution-large-input", global_loads={32: 8}), [])
        self.assertEqual(len(self.faults("convolution-large-input", local_loads={128: 8, 32: 1})), 1)

    def test_summary(self):
        kernels = [kernel("matmul-large-nn"), kernel("matmul-large-tt", fma=88), kernel("gather", spilled=4)]
        self.assertEqual(
            budget.summary_row(TARGETS["sm_80"], kernels), ["sm_80", "A100", "3", "1", "88.0%–90.0%", "88.0%–90.0%", "128", "–", "–", "–"])
