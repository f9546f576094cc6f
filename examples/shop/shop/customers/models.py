"""Customers, their orders and their reviews. Nothing here is written while the shop serves."""

from django.db import models

from shop.catalog.models import Product


class Tier(models.TextChoices):
    """How loyal a customer is; price rules may ask for it."""

    STANDARD = "standard"
    SILVER = "silver"
    GOLD = "gold"


class Customer(models.Model):
    number = models.CharField(max_length=12, unique=True)
    name = models.CharField(max_length=80)
    email = models.EmailField(unique=True)
    country = models.CharField(max_length=2)
    tier = models.CharField(max_length=8, choices=Tier, default=Tier.STANDARD)
    joined = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Review(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="reviews")
    stars = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=80)
    body = models.TextField()
    written = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-written", "-id"]


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    placed = models.DateTimeField(db_index=True)


class OrderLine(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.CASCADE, related_name="order_lines")
    quantity = models.PositiveSmallIntegerField()
    unit_price = models.DecimalField(max_digits=9, decimal_places=2)
