"""Pictures from words by large models of the hub: latent diffusion and flow matching through one trace."""
