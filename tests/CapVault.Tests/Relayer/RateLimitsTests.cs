using System.Diagnostics.Metrics;
using System.Net;
using CapVault.Relayer;
using CapVault.Relayer.Http;
using CapVault.Relayer.Monitoring;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CapVault.Tests.Relayer;

/// <summary>Budgets of many callers. What one of them sees is tested over HTTP.</summary>
public sealed class RateLimitsTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RateLimits _limits;

    public RateLimitsTests() => _limits = new RateLimits(
        Options.Create(new RelayerOptions { AnonymousRequestsPerSecond = 1 }), new RelayerMetrics(_services.GetRequiredService<IMeterFactory>()), _time);

    public void Dispose() => _services.Dispose();

    [Fact]
    public void Who_has_many_addresses_does_not_fill_the_memory()
    {
        for (var address = 0; address < 100_000; address++)
        {
            _limits.TakeByAddress(From(new IPAddress([10, (byte)(address >> 16), (byte)(address >> 8), (byte)address])));
            _time.Pass(0.001);
        }

        _limits.Callers.Should().BeLessThan(20_000, "a budget that is full again is as good as none");
    }

    [Fact]
    public void A_budget_that_is_not_full_is_never_forgotten()
    {
        var greedy = IPAddress.Parse("192.0.2.1");
        for (var call = 0; call < RateLimits.BurstSeconds; call++)
        {
            _limits.TakeByAddress(From(greedy));
        }

        for (var address = 0; address < 50_000; address++)
        {
            _limits.TakeByAddress(From(new IPAddress([10, (byte)(address >> 16), (byte)(address >> 8), (byte)address])));
        }

        var take = () => _limits.TakeByAddress(From(greedy));
        take.Should().Throw<ApiException>().Which.Should().Match<ApiException>(refusal => refusal.Status == 429 && refusal.RetryAfter == TimeSpan.FromSeconds(1));
    }

    private static DefaultHttpContext From(IPAddress address) => new() { Connection = { RemoteIpAddress = address } };

    private sealed class ManualTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => _now;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch;

        public void Pass(double seconds) => _now += (long)(seconds * TimestampFrequency);
    }
}
