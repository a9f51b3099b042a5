"""Data brought in from files: organizations written as YAML or JSON, and what the AWS CLI printed."""
