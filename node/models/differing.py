"""How two models' files differ: tensor by tensor, and in what they say of themselves."""

from dataclasses import dataclass

from node.models.metadata import NAMES
from node.models.model_file import FileHead
from node.models.tensor_differences import TensorDifference, measure_difference
from node.models.verification import MetadataDifference


@dataclass(frozen=True)
class FileDifference:
    """What two files have not in common."""

    tensors: tuple[TensorDifference, ...]
    """Of the tensors of one shape in both: all of them."""
    reshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    """Name and the two shapes of those that have another shape in the other file."""
    only_first: tuple[str, ...]
    """Tensors of the first file alone."""
    only_second: tuple[str, ...]
    """Tensors of the second file alone."""
    metadata: tuple[MetadataDifference, ...]
    """Lines that are not the same: `says` is the first file's, `should` the second's."""

    @property
    def is_none(self) -> bool:
        """Whether tensors, values and metadata are the same."""
        unlike = (self.reshaped, self.only_first, self.only_second, self.metadata)
        return not any(unlike) and not any(one.differing for one in self.tensors)


def compare_files(first: FileHead, second: FileHead) -> FileDifference:
    """One tensor at a time is in memory. Raises UnusableFile, OSError."""
    both = [name for name in first.tensors if name in second.tensors]
    alike = [name for name in both if first.tensors[name].shape == second.tensors[name].shape]
    names = sorted(first.metadata.keys() | second.metadata.keys(), key=lambda name: (name not in NAMES, name))
    lines = [MetadataDifference(name, first.metadata.get(name), second.metadata.get(name)) for name in names]
    return FileDifference(
        tuple(measure_difference(name, first.read_values(name), second.read_values(name)) for name in alike),
        tuple((name, first.tensors[name].shape, second.tensors[name].shape) for name in both if name not in alike),
        tuple(name for name in first.tensors if name not in second.tensors),
        tuple(name for name in second.tensors if name not in first.tensors),
        tuple(line for line in lines if line.says != line.should),
    )
