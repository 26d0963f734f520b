using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;

namespace CapVault.Relayer.Monitoring;

/// <summary>Whether this process takes new work. While it drains it still answers reads, serves its streams and finishes what it has promised.</summary>
public sealed class Draining(Db db, Follower follower)
{
    private volatile bool _isOn;

    /// <summary>Whether new work is refused.</summary>
    public bool IsOn
    {
        get => _isOn;
        set => _isOn = value;
    }

    /// <summary>Returns when the outcome of every operation that there is now is known. Other processes on the same database may go on to take new ones.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        var newest = await db.ReadAsync(connection => connection.ExecuteScalarAsync<long?>("SELECT max(operation_id) FROM operation"), cancellationToken);
        for (var applied = follower.Applied.Next; await IsOpenAsync(newest, cancellationToken); applied = follower.Applied.Next)
        {
            // What ends without a block (refused, run out of time) wakes nobody here.
            await Task.WhenAny(applied, Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken));
            cancellationToken.ThrowIfCancellationRequested(); // a connection from a pool is there without asking
        }
    }

    private Task<bool> IsOpenAsync(long? newest, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => await connection.QueryFirstOrDefaultAsync<long?>(
            $"SELECT operation_id FROM operation WHERE {Gauges.IsOpen} AND operation_id <= @newest LIMIT 1", new { newest = newest ?? 0 }) is not null,
        cancellationToken);
}

/// <summary>Refuses new work while the relayer drains.</summary>
public static class DrainingExtensions
{
    /// <summary>Lets a route that changes nothing, or that ends the draining, be called all the same.</summary>
    public static TBuilder AlsoWhileDraining<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new WhileDraining());

    /// <summary>Answers calls that would change something with 503 MAINTENANCE while the relayer drains. Inside of what writes errors.</summary>
    public static void UseDraining(this WebApplication app)
    {
        var draining = app.Services.GetRequiredService<Draining>();
        app.Use((context, next) =>
        {
            var isRead = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
            return !draining.IsOn || isRead || context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<WhileDraining>() is not null
                ? next(context)
                : throw Refusal();
        });
    }

    // Long enough for a client that tries five times to outlive a restart.
    private static ApiException Refusal() => new(
        503, ErrorCodes.Maintenance, "The relayer takes no new work now: it is about to restart, or its operator has paused it. Try again shortly.", retryable: true)
    {
        RetryAfter = TimeSpan.FromSeconds(5),
    };

    private sealed record WhileDraining;
}
