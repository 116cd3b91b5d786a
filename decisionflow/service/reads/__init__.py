"""View models: plain queries to frozen values that pages, API and CLI show. Nothing here writes."""
