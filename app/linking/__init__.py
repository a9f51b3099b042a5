"""The service's settings: linking an organization, discovery across accounts, bucket, topic, catalog."""
