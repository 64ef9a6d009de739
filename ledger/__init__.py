"""What happened in a circle, and how anyone checks it. No torch, no training; never imports `node`."""
