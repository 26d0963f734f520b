using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests.Faults;

/// <summary>What Anvil itself says of all orders.</summary>
internal static class ChainFacts
{
    /// <summary>Every order's logs on the canonical chain, oldest first.</summary>
    public static async Task<IReadOnlyList<Fact>> FactsAsync(this SandboxChain chain)
    {
        var logs = await chain.VaultLogsAsync();
        IEnumerable<Fact> facts =
        [
            .. Of<OrderCreatedEventDTO>(EventType.OrderCreated, e => e.OrderId),
            .. Of<OrderPaidEventDTO>(EventType.OrderPaid, e => e.OrderId),
            .. Of<OrderClearedEventDTO>(EventType.OrderCompleted, e => e.OrderId),
            .. Of<OrderRejectedEventDTO>(EventType.OrderRejected, e => e.OrderId),
            .. Of<OrderExpiredEventDTO>(EventType.OrderExpired, e => e.OrderId),
        ];
        return [.. facts.OrderBy(fact => fact.Position.BlockNumber).ThenBy(fact => fact.Position.LogIndex)];

        IEnumerable<Fact> Of<T>(EventType type, Func<T, byte[]> orderId)
            where T : IEventDTO, new() => logs.DecodeAllEvents<T>().Select(log => new Fact(
                orderId(log.Event).ToHex(prefix: true),
                type,
                new ChainPosition(log.Log.TransactionHash, (long)log.Log.BlockNumber.Value, (long)log.Log.LogIndex.Value)));
    }
}
