"""The networks, as plain ``nn.Module`` classes that know torch and nothing else of Impasto."""
