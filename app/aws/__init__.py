"""The AWS edge: License Manager's own protocol over the same services."""
