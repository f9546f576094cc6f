"""Categories, brands and products. Nothing here is written while the shop serves."""

from django.db import models
from django.urls import reverse


class Category(models.Model):
    """One shelf of the shop. Top shelves have no parent; products hang on the lower ones."""

    name = models.CharField(max_length=60)
    slug = models.SlugField(max_length=80, unique=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("category", args=[self.slug])


class Brand(models.Model):
    name = models.CharField(max_length=60, unique=True)
    country = models.CharField(max_length=2)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def for_cards(self) -> "ProductQuerySet":
        """With everything a product card shows, so that a list of cards is one query."""
        return self.select_related("brand", "category__parent")


class TaxClass(models.TextChoices):
    STANDARD = "standard"
    REDUCED = "reduced"


class Product(models.Model):
    sku = models.CharField(max_length=16, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=120)
    category = models.ForeignKey(Category, models.CASCADE, related_name="products")
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="products")
    description = models.TextField()
    attributes = models.JSONField(default=dict)
    price = models.DecimalField(max_digits=9, decimal_places=2, help_text="net, per piece")
    tax_class = models.CharField(max_length=8, choices=TaxClass, default=TaxClass.STANDARD)
    weight_grams = models.PositiveIntegerField()
    stock = models.PositiveIntegerField()
    added = models.DateTimeField(db_index=True)
    # Kept beside the product, since every list shows them and reviews change seldom.
    stars = models.FloatField(null=True, help_text="mean of the reviews")
    review_count = models.PositiveIntegerField(default=0)

    objects = ProductQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["category", "price"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("product", args=[self.slug])
