using System.Numerics;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Sponsoring;

/// <summary>Settles the ledger by what the EntryPoint says it charged our paymaster, whoever the operation's account is.</summary>
public sealed class SponsorSettlement(ChainContext context, SponsorLedger ledger) : IProjection
{
    private const int CostWord = 2; // nonce, success, actualGasCost, actualGasUsed

    private readonly byte[] _entryPoint = context.EntryPoint.HexToByteArray();
    private readonly byte[] _paymaster = context.Paymaster.HexToByteArray();
    private readonly byte[] _operationEvent = Event<UserOperationEventEventDTO>.GetEventABI().Sha3Signature.HexToByteArray();

    /// <inheritdoc/>
    public async Task ApplyAsync(Tx tx, ChainLog log)
    {
        if (log.Address.AsSpan().SequenceEqual(_entryPoint) && log.Topic(0).AsSpan().SequenceEqual(_operationEvent) && log.AddressTopic(3).AsSpan().SequenceEqual(_paymaster))
        {
            var cost = new BigInteger(log.Data.AsSpan(32 * CostWord, 32), isUnsigned: true, isBigEndian: true);
            await ledger.SettleAsync(tx, log.Topic(1), cost, log.BlockNumber);
        }
    }

    /// <inheritdoc/>
    public Task RevertAsync(Tx tx, long ancestor) => ledger.ReverseAsync(tx, ancestor);
}
