"""What stands in for the accelerators of a lab node: none of it touches real hardware."""
