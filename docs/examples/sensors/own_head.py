"""The task `series`, with layers that stay at home: what all stations have in common is shared, the rest is theirs.

folkmoot simulate --task docs/examples/sensors/own_head.py:OwnHead ...
"""

from node.tasks.series.task import Series


class OwnHead(Series):
    """The last layer, which sums up, is each station's own."""

    private = ("layers.4.*",)


class OwnUpperLayers(Series):
    """The last two layers are."""

    private = ("layers.2.*", "layers.4.*")
