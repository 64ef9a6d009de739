"""The tasks that ship, by name."""

import importlib
from typing import Any, Final

BUILT_IN: Final = {
    "breast-cancer": "569 patients, 30 measurements of a tumour, malignant or benign (hospitals)",
    "digits": "1,797 handwritten digits of 8 × 8 pixels",
    "fashion-mnist": "70,000 images of clothes of 28 × 28 pixels",
    "fashion-mnist-cnn": "the same, and a convolutional network of 36,000 parameters",
    "mnist": "10,000 handwritten digits of 28 × 28 pixels",
    "mnist-cnn": "the same, and a convolutional network of 36,000 parameters",
    "table": "your own CSV or Parquet table, described by --option schema=FILE, read from --data FILE",
    "python-code": "4 million characters of Python's own library, and a transformer of a million parameters",
    "python-code-large": "the same, and a transformer of ten million parameters",
    "text": "texts of your own, a folder of files (--data): the next word",
    "series": "a time series of your own, a CSV (--data): what it will be next",
    "auto": "fashion-mnist where it is installed, else digits",
}
_CLASSES: Final = {
    "breast-cancer": "node.tasks.breast_cancer:BreastCancer",
    "digits": "node.tasks.digits:Digits",
    "fashion-mnist": "node.tasks.fashion_mnist:FashionMnist",
    "fashion-mnist-cnn": "node.tasks.fashion_mnist:FashionMnistCnn",
    "mnist": "node.tasks.mnist:Mnist",
    "mnist-cnn": "node.tasks.mnist:MnistCnn",
    "table": "node.tasks.table.task:Table",
    "python-code": "node.tasks.python_code:PythonCode",
    "python-code-large": "node.tasks.python_code:LargePythonCode",
    "text": "node.tasks.text.task:Text",
    "series": "node.tasks.series.task:Series",
}

# They train on whatever each peer names with --data. Where one path is all peers' (a demo, a simulation), it is
# dealt to them: the task's option `dealt`.
OWN_DATA: Final = frozenset({"table", "text", "series"})
DEALT: Final = "dealt"


def find_built_in(name: str) -> type[Any]:
    """The class of a task that ships."""
    module, _, class_name = _CLASSES[name].partition(":")
    found: type[Any] = getattr(importlib.import_module(module), class_name)
    return found
