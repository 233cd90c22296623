"""Stories and the topics they bear on."""
