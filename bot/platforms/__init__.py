"""Where messages are shown and commands come from; no platform knows another."""
