"""The whole network on one machine: processes, progress, summary and plot."""
