"""A circle for programs and notebooks: its history, an audit, and its models, from a chain or from a bundle.

from node.circles import open_bundle

with open_bundle("circle.car") as circle:
    print(circle.audit().clean, circle.take_model().tensors.keys())
"""

from node.circles.opened import OpenedCircle, TakenModel, open_bundle, open_circle

__all__ = ["OpenedCircle", "TakenModel", "open_bundle", "open_circle"]
