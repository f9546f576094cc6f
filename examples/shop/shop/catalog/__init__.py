"""What is sold: categories, brands and products, their pages, their JSON and their feed."""
