"""What is watched for, and what a look at the market makes of it."""
