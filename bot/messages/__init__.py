"""What an alert or an answer says, in plain words."""
