"""Deformable DETR (Zhu et al., ICLR 2021): network, preprocessing, checkpoints."""
