"""Figures of rounds for TensorBoard, MLflow or Weights & Biases, where somebody asks for it.

A tracker's package runs in a process of its own, which is told figures through a pipe and is never asked anything:
what it imports, spends, breaks or waits for is not the node's. Figures and settings alone go there: no name, key,
path or log. Nothing is sent over a network unless an MLflow server is named.
"""
