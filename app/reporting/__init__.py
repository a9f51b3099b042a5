"""What `tollgate report` does on a server outside AWS: it reads the machine, and tells the service. No database."""
