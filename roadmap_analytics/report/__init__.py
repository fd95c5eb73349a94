"""What people see: sentences, notebook output, HTML pages."""
