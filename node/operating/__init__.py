"""What whoever runs a node sees of it and gives it: logs, notices, figures, folder, files, processes."""
