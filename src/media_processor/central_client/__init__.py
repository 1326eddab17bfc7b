"""HTTP client of the central server: delivers pictures, reads the archive and its log."""

from media_processor.central_client.client import CentralClient as CentralClient
