"""Speed and memory, measured beside the raw limit in one run. Ratios count, absolutes do not."""
