"""What the tests share: databases of both kinds, the served application, and builders."""
