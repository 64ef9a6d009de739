"""Real patients at several hospitals: is a tumour malignant, judged by 30 measurements of its cell nuclei?

569 patients. Source: Wolberg, Mangasarian, Street and Street 1993, UCI Machine Learning Repository,
doi:10.24432/C5DW2B.
"""

import numpy as np
import numpy.typing as npt
from torch import nn

from node.tasks.sklearn_tables import TableTask, read_table

# Fixed public statistics of the 456 training patients: no hospital has to tell its own, and nothing comes from the
# test patients. Means and deviations of ten measurements, one line each for their mean, their error, their worst.
_MEANS = (
    (14.11, 19.22, 91.74, 650.4, 0.09571, 0.1017, 0.0848, 0.04746, 0.1792, 0.06242),
    (0.3929, 1.204, 2.768, 38.36, 0.006991, 0.02464, 0.03055, 0.01153, 0.02, 0.003699),
    (16.25, 25.63, 107, 876.8, 0.1318, 0.2485, 0.2663, 0.1132, 0.2867, 0.08342),
)
_DEVIATIONS = (
    (3.398, 4.338, 23.37, 332.4, 0.01351, 0.05047, 0.07365, 0.03709, 0.02646, 0.006579),
    (0.2401, 0.5577, 1.714, 34.64, 0.003059, 0.01709, 0.02596, 0.005891, 0.007766, 0.002484),
    (4.722, 6.17, 32.58, 549.3, 0.02236, 0.1496, 0.1994, 0.06428, 0.05617, 0.01742),
)
BENIGN, MALIGNANT = 0, 1


class BreastCancer(TableTask):
    """A 30-16-2 network on one hospital's share of 456 patients; judged on the other 113."""

    classes = 2
    batch_size = 8  # some 57 patients a hospital where there are eight

    def __init__(self, skew: float = 0.0, seed: int = 0, samples: int = 1000) -> None:
        table = read_table("breast_cancer.csv", 31, header_lines=1)
        labels = np.where(table[:, 30] == 0, MALIGNANT, BENIGN)  # the file has 1 for benign
        super().__init__(_standardised(table[:, :30]), labels, skew=skew, seed=seed, samples=samples)

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Accuracy, sensitivity (malignant found) and specificity (benign left in peace), each 0..1."""
        truth = self._labels[self._test]
        right = model(self._features[self._test]).argmax(1).numpy() == truth
        return {
            "accuracy": float(right.mean()),
            "sensitivity": float(right[truth == MALIGNANT].mean()),
            "specificity": float(right[truth == BENIGN].mean()),
        }


def _standardised(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(n, 30), float32, to mean 0 and deviation 1 over the training patients, nearly."""
    means, deviations = (np.array(rows, np.float32).ravel() for rows in (_MEANS, _DEVIATIONS))
    return np.asarray((features - means) / deviations, np.float32)
