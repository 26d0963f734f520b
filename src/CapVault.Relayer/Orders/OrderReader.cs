using System.Globalization;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>Reads the order book for its parties. A stranger is told that there is no such order.</summary>
public sealed class OrderReader(Db db, OrderSignals signals, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private const string OfParty = "SELECT * FROM order_book WHERE @agentId IN (requester_agent_id, provider_agent_id) AND";

    /// <summary>An order of <paramref name="agentId"/>, by <c>ord_…</c> or by the 0x-prefixed orderId.</summary>
    public async Task<OrderRow> GetAsync(string agentId, string id, CancellationToken cancellationToken)
    {
        var (sql, parameters) = Query(agentId, id);
        return await db.ReadAsync(connection => connection.QueryFirstOrDefaultAsync<OrderRow?>(sql, parameters), cancellationToken) ?? throw NotFound(id);
    }

    /// <summary>The same, inside a transaction.</summary>
    public static async Task<OrderRow> GetAsync(Tx tx, string agentId, string id)
    {
        var (sql, parameters) = Query(agentId, id);
        return await tx.FirstOrDefaultAsync<OrderRow>(sql, parameters) ?? throw NotFound(id);
    }

    /// <summary>The same for who decides from it: until the transaction ends, nobody else takes or ends a step of this order.</summary>
    public static async Task<OrderRow> GetLockedAsync(Tx tx, string agentId, string id)
    {
        await (IsChainId(id) ? LockAsync(tx, id.HexToByteArray()) : tx.LockAsync(id));
        return await GetAsync(tx, agentId, id);
    }

    /// <summary>Locks an order, or one that is to be.</summary>
    public static Task LockAsync(Tx tx, byte[] orderId) => tx.LockAsync(Ids.Of("ord_", orderId));

    /// <summary>As <see cref="GetAsync(string, string, CancellationToken)"/>, but holds until no step is in flight, <paramref name="patience"/> is over, or the
    /// relayer stops: a step that is open is a true answer.</summary>
    public async Task<OrderRow> GetSettledAsync(string agentId, string id, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        var over = Task.Delay(patience, time, ended.Token);
        var order = await GetAsync(agentId, id, cancellationToken);
        while (order.PendingStep is not null && !over.IsCompleted)
        {
            // Looked at again after taking the signal: what happens in between is not missed.
            var signal = signals.Of(order.OrderId).Next;
            order = await GetAsync(agentId, id, cancellationToken);
            if (order.PendingStep is not null)
            {
                await Task.WhenAny(signal, over);
                cancellationToken.ThrowIfCancellationRequested();
                order = await GetAsync(agentId, id, cancellationToken);
            }
        }

        return order;
    }

    /// <summary>Orders of an agent, newest first.</summary>
    public Task<List<OrderRow>> ListAsync(ListFilter filter, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<OrderRow>(
            $"""
            SELECT * FROM order_book WHERE {filter.Party} AND (@Status IS NULL OR status = @Status)
              AND (created_at, public_id) < (@BeforeTime, @BeforeId) ORDER BY created_at DESC, public_id DESC LIMIT @Rows OFFSET @Offset
            """,
            filter)).AsList(),
        cancellationToken);

    /// <summary>Reads <c>wait</c>, 0 – 30 seconds.</summary>
    public static TimeSpan WaitOf(HttpRequest request) => request.Query["wait"].ToString() is { Length: > 0 } text
        ? TimeSpan.FromSeconds(Fields.Range("wait", int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : -1, 0, 30))
        : TimeSpan.Zero;

    private static (string Sql, object Parameters) Query(string agentId, string id) =>
        IsChainId(id)
            ? ($"{OfParty} order_id = @key", new { key = (object)id.HexToByteArray(), agentId })
            : ($"{OfParty} public_id = @key", new { key = (object)id, agentId });

    private static bool IsChainId(string id) =>
        id.Length == 66 && id.StartsWith("0x", StringComparison.Ordinal) && id.AsSpan(2).IndexOfAnyExcept(System.Buffers.SearchValues.Create("0123456789abcdefABCDEF")) < 0;

    private static ApiException NotFound(string id) => ApiException.NotFound(ErrorCodes.OrderNotFound, "order", id);
}
