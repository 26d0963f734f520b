using System.Numerics;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Chain;

/// <summary>Fees of the next transaction, from the newest header alone: what nodes suggest echoes recent tips, our own among them.</summary>
public sealed class GasOracle(IOptions<RelayerOptions> options)
{
    private readonly Lock _gate = new();
    private BigInteger _baseFee;

    /// <summary>Tip per gas, wei.</summary>
    public BigInteger PriorityFee { get; } = options.Value.PriorityFee;

    /// <summary>Base fee of the newest header, wei per gas.</summary>
    public BigInteger BaseFee
    {
        get
        {
            lock (_gate)
            {
                return _baseFee;
            }
        }
    }

    /// <summary>Upper bound per gas, wei: <see cref="LastingFee"/>, and not more than the options allow.</summary>
    public BigInteger MaxFee => BigInteger.Min(LastingFee, options.Value.MaxFee);

    /// <summary>What is mined soon, wei per gas: twice the base fee lasts for six full blocks (12.5 % each).</summary>
    public BigInteger LastingFee
    {
        get
        {
            lock (_gate)
            {
                return (_baseFee * 2) + PriorityFee;
            }
        }
    }

    /// <summary>Whether the next block takes nothing that offers no more than the options allow.</summary>
    public bool IsTooDear => BaseFee + PriorityFee > options.Value.MaxFee;

    /// <summary>Upper bound in a sponsored operation, wei per gas. It must outlast the operation's wait, and only bounds the prefund.</summary>
    public BigInteger OperationMaxFee
    {
        get
        {
            lock (_gate)
            {
                return (_baseFee * 4) + PriorityFee;
            }
        }
    }

    /// <summary>Takes note of a header's base fee, wei per gas.</summary>
    public void Observe(BigInteger baseFee)
    {
        lock (_gate)
        {
            _baseFee = baseFee;
        }
    }
}
