"""What the lab's Watchdog calls. A site has a service outside, which complains when it is not called any more."""
