"""The sandbox as a product: tenants, REST, events, custody, pages, command line and client."""
