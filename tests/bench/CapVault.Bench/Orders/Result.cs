namespace CapVault.Bench.Orders;

/// <param name="PerMinute">Settled orders a minute.</param>
/// <param name="P50">Seconds from negotiate to settled.</param>
/// <param name="P99">Seconds.</param>
/// <param name="Count">Orders measured.</param>
internal sealed record Result(double PerMinute, double P50, double P99, int Count);
