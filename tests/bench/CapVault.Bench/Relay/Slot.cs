using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using Nethereum.Contracts;
using Nethereum.Signer;

namespace CapVault.Bench.Relay;

/// <param name="Slot">Where its nonce is from.</param>
/// <param name="Sequence">Its place there.</param>
internal sealed record SignedOperation(Slot Slot, ulong Sequence, PackedUserOperation Operation, string Hash);

/// <summary>One nonce lane of one account: its operations follow one another.</summary>
internal sealed class Slot(string account, int key)
{
    /// <summary>The next free place. The lane was used once before.</summary>
    public ulong Sequence { get; set; } = 1;

    public string Account => account;

    public BigInteger Nonce(ulong sequence) => UserOperations.Nonce(key, sequence);
}

/// <summary>Makes sponsored ERC-20 transfers: complete, signed by account and sponsor.</summary>
internal sealed class OperationFactory(BigInteger chainId, Deployment deployment, AccountPool pool, Func<PackedUserOperation, CancellationToken, Task<byte[]>> sponsor)
{
    private const string Recipient = "0x000000000000000000000000000000000000bEEF";

    private readonly UserOperations _operations = new(chainId, deployment.EntryPoint);
    private readonly byte[] _call = new ExecuteFunction
    {
        Target = deployment.Usdc,
        Data = new TransferFunction { To = Recipient, Value = 1 }.GetCallData(),
    }.GetCallData();

    /// <summary>All nonce lanes: neighbours belong to different accounts.</summary>
    public List<Slot> Slots { get; } =
    [
        .. Enumerable.Range(0, AccountPool.KeysPerAccount).SelectMany(key => pool.Addresses.Select(account => new Slot(account, key))),
    ];

    /// <summary>Takes the slot's next place.</summary>
    public async Task<SignedOperation> NextAsync(Slot slot, CancellationToken cancellationToken)
    {
        var sequence = slot.Sequence++;
        var operation = new PackedUserOperation
        {
            Sender = slot.Account,
            Nonce = slot.Nonce(sequence),
            InitCode = [],
            CallData = _call,
            AccountGasLimits = UserOperations.AccountGasLimits(80_000, 60_000),
            PreVerificationGas = 70_000,
            GasFees = UserOperations.GasFees(1_000_000_000, 20_000_000_000),
            PaymasterAndData = [],
            // Sponsors look at how long it is.
            Signature = new byte[65],
        };
        operation.PaymasterAndData = await sponsor(operation, cancellationToken);
        var hash = _operations.Hash(operation);
        operation.Signature = UserOperations.Sign(hash, pool.Owner);
        return new SignedOperation(slot, sequence, operation, "0x" + Convert.ToHexStringLower(hash));
    }
}
