"""What others wrote, taken with caution: JSON, text that people are shown, host names."""
