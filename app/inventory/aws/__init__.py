"""What AWS answers, checked and brought into the inventory's own words: from boto3 or from what the AWS CLI printed."""
