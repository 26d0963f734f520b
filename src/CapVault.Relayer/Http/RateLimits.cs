using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CapVault.Relayer.Monitoring;
using CapVault.Sdk;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Http;

/// <summary>
/// How many requests each caller may send: an agent, an Owner, a key of the operator; by address who shows no good key. Counted is who was proven to
/// call, so nobody can use up another's budget with its key's public part.
/// </summary>
public sealed class RateLimits(IOptions<RelayerOptions> options, RelayerMetrics metrics, TimeProvider time)
{
    /// <summary>A bucket holds what comes back in this many seconds.</summary>
    public const int BurstSeconds = 10;

    /// <summary>How the headers begin that tell a caller where it stands.</summary>
    public const string HeaderPrefix = "X-RateLimit-";

    /// <summary>From so many on, full buckets are forgotten: whoever has many addresses must not fill the memory.</summary>
    private const int ManyBuckets = 10_000;

    private readonly ConcurrentDictionary<string, TokenBucket> _buckets = new(StringComparer.Ordinal);
    private int _sweepAt = ManyBuckets;

    /// <summary>How many callers have a budget that is remembered.</summary>
    public int Callers => _buckets.Count;

    /// <summary>Counts a request of a caller.</summary>
    /// <exception cref="ApiException">429 RATE_LIMITED.</exception>
    public void Take(HttpContext http, Caller caller)
    {
        var (subject, perSecond) = caller switch
        {
            { AgentId: { } agentId } => (agentId, options.Value.AgentRequestsPerSecond),
            { Owner: { } owner } => (owner.ToHex(true), options.Value.AgentRequestsPerSecond),
            _ => (caller.KeyId, options.Value.OperatorRequestsPerSecond),
        };
        Take(http, subject, perSecond, "This key");
    }

    /// <summary>Counts a request of somebody who is known by the address alone.</summary>
    /// <exception cref="ApiException">429 RATE_LIMITED.</exception>
    public void TakeByAddress(HttpContext http) =>
        Take(http, SubjectOf(http.Connection.RemoteIpAddress), options.Value.AnonymousRequestsPerSecond, "This address, without a good key,");

    private void Take(HttpContext http, string subject, int perSecond, string who)
    {
        var limit = perSecond * BurstSeconds;
        var bucket = _buckets.GetOrAdd(subject, _ => new TokenBucket(limit, perSecond, time));
        bool isTaken;
        TimeSpan untilNext, untilFull;
        int left;
        lock (bucket)
        {
            isTaken = bucket.TryTake();
            (left, untilNext, untilFull) = ((int)bucket.Left, bucket.UntilNext, bucket.UntilFull);
        }

        var headers = http.Response.Headers;
        headers[HeaderPrefix + "Limit"] = limit.ToString(CultureInfo.InvariantCulture);
        headers[HeaderPrefix + "Remaining"] = left.ToString(CultureInfo.InvariantCulture);
        headers[HeaderPrefix + "Reset"] = (time.GetUtcNow() + untilFull).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        SweepMany();
        if (!isTaken)
        {
            metrics.RateLimited();
            throw new ApiException(
                429,
                ErrorCodes.RateLimited,
                $"{who} has sent more than {limit} requests at once or {perSecond} a second. Send fewer, or after the pause that Retry-After asks for.",
                new { limit, perSecond },
                retryable: true)
            {
                RetryAfter = untilNext,
            };
        }
    }

    // A bucket that is full says nothing that its absence does not.
    private void SweepMany()
    {
        if (_buckets.Count < Volatile.Read(ref _sweepAt))
        {
            return;
        }

        foreach (var (subject, bucket) in _buckets)
        {
            lock (bucket)
            {
                if (bucket.UntilFull <= TimeSpan.Zero)
                {
                    _buckets.TryRemove(subject, out _);
                }
            }
        }

        Volatile.Write(ref _sweepAt, Math.Max(ManyBuckets, _buckets.Count * 2));
    }

    // Whoever has one address of IPv6 has the 2^64 beside it.
    private static string SubjectOf(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };
}

/// <summary>Counts requests where routes are mapped.</summary>
public static class RateLimitsExtensions
{
    /// <summary>Counts by address what a route takes without a key, or before it looks at one.</summary>
    public static TBuilder LimitByAddress<TBuilder>(this TBuilder routes)
        where TBuilder : IEndpointConventionBuilder => routes.AddEndpointFilter(async (context, next) =>
        {
            context.HttpContext.RequestServices.GetRequiredService<RateLimits>().TakeByAddress(context.HttpContext);
            return await next(context);
        });
}
