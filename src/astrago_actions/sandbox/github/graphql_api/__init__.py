"""GitHub's GraphQL API over the part of its schema that is in `schema.graphql`."""
