"""What the API tells of a ledger: from the reading store to `sandbox_api.wire`, without HTTP."""
