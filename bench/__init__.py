"""What the solutions do under faults, and how fast they recover: measured for real, written into docs/."""
