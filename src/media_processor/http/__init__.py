"""What both HTTP servers share: receiving uploads, answering errors, running."""
